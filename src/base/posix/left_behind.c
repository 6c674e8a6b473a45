#include "base/left_behind.h"

bool ekm_left_behind_key(ekm_view thumb, ekm_buf *out_uri) {
  (void)thumb, (void)out_uri;
  return false;
}
