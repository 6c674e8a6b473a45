#include <openssl/ssl.h>

#include "http/http_tls.h"

void http_tls_log_no_keys(void *context) {
  SSL_CTX_set_keylog_callback(context, NULL);
}
