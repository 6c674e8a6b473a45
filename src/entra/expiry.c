#include "entra/expiry.h"

enum { SECONDS_PER_DAY = 86400, TIME_BYTES = 40 };

int64_t entra_expiry_days(int64_t at_wall_s, int64_t now_wall_s) {
  int64_t left_s = at_wall_s - now_wall_s;
  return left_s > 0 ? (left_s - 1) / SECONDS_PER_DAY : (left_s - SECONDS_PER_DAY) / SECONDS_PER_DAY;
}

bool entra_expiry_is_near(int64_t at_wall_s, int64_t now_wall_s) {
  return at_wall_s != 0 && entra_expiry_days(at_wall_s, now_wall_s) < ENTRA_EXPIRY_WARN_DAYS;
}

void entra_expiry_warn(const entra_expiry *expiry, int64_t now_wall_s, ekm_log *log) {
  ekm_buf when;
  if (!entra_expiry_is_near(expiry->at_wall_s, now_wall_s)) return;
  ekm_buf_init(&when, TIME_BYTES);
  ekm_clock_append_iso(expiry->at_wall_s, &when);
  EKM_LOG(log, EKM_LOG_WARN, expiry->event, EKM_LOG_TEXT("client_id", expiry->client_id),
          EKM_LOG_TEXT("expires", ekm_buf_text(&when)),
          EKM_LOG_INT("days_left", entra_expiry_days(expiry->at_wall_s, now_wall_s)));
  ekm_buf_clear(&when);
}
