#include "end_to_end_fixture.h"

#include <string.h>

#include "base/mem.h"
#include "support/cmocka_all.h"

int end_to_end_set_up(void **state) {
  ekm_err err = {0};
  end_to_end_fixture *f = ekm_mem_alloc(sizeof *f, &err);
  assert_non_null(f);
  connector_set_up(&f->connector);
  akvd_process_init(&f->akvd, f->connector.folder);
  akvd_process_start(&f->akvd, 0);
  akvd_process_app(&f->akvd, "main", NULL, &f->app);
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS);
  akvd_process_key(&f->akvd, "create", END_TO_END_KEY);
  end_to_end_reload(f, "");
  *state = f;
  return 0;
}

int end_to_end_tear_down(void **state) {
  end_to_end_fixture *f = *state;
  connector_unload(&f->connector);
  akvd_process_stop(&f->akvd);
  connector_tear_down(&f->connector);
  ekm_mem_free(f);
  return 0;
}

void end_to_end_reload(end_to_end_fixture *f, const char *settings) {
  char vault[1024];
  akvd_process_conf(&f->akvd, vault, sizeof vault);
  connector_unload(&f->connector);
  connector_configure(&f->connector, "log_file = %s/provider.log\nlog_level = trace\n%s\n%s", f->connector.folder,
                      settings, vault);
  connector_load(&f->connector);
}

uint32_t end_to_end_open(end_to_end_fixture *f, const akvd_app *app, host_session **out_session) {
  return connector_open(&f->connector, END_TO_END_HOST, app->credential, out_session);
}

uint32_t end_to_end_unwrap(const host_session *session, const host_key *key, ekm_view wrapped) {
  ekm_buf plain;
  ekm_buf_init(&plain, 4096);
  uint32_t code = connector_unwrap(session, key, wrapped, &plain);
  if (code == 0) assert_true(ekm_view_equal(ekm_buf_view(&plain), ekm_view_text(END_TO_END_DEK)));
  ekm_buf_clear(&plain);
  return code;
}
