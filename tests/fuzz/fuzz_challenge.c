/* WWW-Authenticate: what was understood is written in its one usual form and understood as the same. */
#include "base/text.h"
#include "base/url.h"
#include "entra/challenge.h"
#include "fuzz/fuzz.h"

enum { HEADER_MAX_BYTES = 4096 };

static void check_parts(const entra_challenge *c) {
  size_t len = strlen(c->resource);
  FUZZ_CHECK(ekm_url_host_is_valid(c->authority_host) && c->authority_port != 0);
  FUZZ_CHECK(entra_tenant_is_valid(c->tenant) && strpbrk(c->tenant, "/?#%&=\\") == NULL);
  FUZZ_CHECK(ekm_url_host_is_valid(c->resource_host));
  FUZZ_CHECK(ekm_text_starts_i(c->resource, "https://") && c->resource[len - 1] != '/');
  FUZZ_CHECK(ekm_text_starts_i(c->resource + strlen("https://"), c->resource_host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  entra_challenge challenge, again;
  ekm_err err = {0};
  ekm_buf header;
  char *text = fuzz_text(data, size);

  if (entra_challenge_parse(text, &challenge, &err)) {
    check_parts(&challenge);
    const char *quote = strchr(challenge.resource, '"') == NULL ? "\"" : ""; /* it came without them then */
    ekm_buf_init(&header, HEADER_MAX_BYTES);
    ekm_buf_append_fmt(&header, "Bearer authorization=\"https://%s:%u/%s\", resource=%s%s%s", challenge.authority_host,
                       (unsigned)challenge.authority_port, challenge.tenant, quote, challenge.resource, quote);
    FUZZ_CHECK(entra_challenge_parse(ekm_buf_text(&header), &again, &err));
    FUZZ_CHECK(memcmp(&challenge, &again, sizeof again) == 0);
    ekm_buf_clear(&header);
  } else {
    FUZZ_CHECK(err.id == EKM_E_CHALLENGE_BAD);
    fuzz_check_err(&err);
  }
  free(text);
  return 0;
}
