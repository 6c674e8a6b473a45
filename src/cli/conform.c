/* ekmctl conform: the suite of host/conform.h. For people the name of a rule is printed before it runs, so that the
 * last line names the culprit when a provider takes the process along. */
#include "host/conform.h"

#include <stdio.h>

#include "cli/command.h"

typedef struct printer {
  bool json;
  json_t *rows;
} printer;

static const char *const verdicts[] = {[CONFORM_OK] = "ok", [CONFORM_BROKEN] = "BROKEN", [CONFORM_SKIPPED] = "skipped"};

static void starts(void *arg, const conform_rule *rule) {
  const printer *self = arg;
  if (self->json) return;
  printf("%-24s  ", rule->id);
  (void)fflush(stdout);
}

static void ends(void *arg, const conform_rule *rule, conform_verdict verdict, const char *seen) {
  const printer *self = arg;
  json_t *row = json_object();
  cli_set_text(row, "id", rule->id);
  cli_set_text(row, "rule", rule->text);
  cli_set_text(row, "source", rule->source);
  cli_set_text(row, "verdict", verdicts[verdict]);
  cli_set_text(row, "seen", seen);
  (void)json_array_append_new(self->rows, row);
  if (self->json) return;
  if (verdict == CONFORM_OK) printf("ok       %s\n", rule->text);
  if (verdict == CONFORM_SKIPPED) printf("skipped  %s\n", seen);
  if (verdict == CONFORM_BROKEN) printf("BROKEN   %s\n%35sthe rule: %s (%s)\n", seen, "", rule->text, rule->source);
}

bool cli_conform(cli *c, json_t *doc, ekm_err *err) {
  conform_totals totals;
  printer self = {.json = c->options.json, .rows = json_array()};
  const conform_options options = {.path = c->provider_path,
                                   .hooks = &c->decor.hook,
                                   .identity = c->identity,
                                   .secret = &c->secret,
                                   .key_name = c->options.key,
                                   .threads = c->options.threads};
  const conform_listener listener = {.starts = starts, .ends = ends, .arg = &self};
  bool ran = conform_run(&options, &listener, &totals, err);
  if (self.json) {
    (void)json_object_set_new(doc, "rules", self.rows);
  } else {
    json_decref(self.rows);
    if (ran) printf("\n");
  }
  if (!ran) return false;
  cli_set_int(doc, "ok", totals.ok);
  cli_set_int(doc, "broken", totals.broken);
  cli_set_int(doc, "skipped", totals.skipped);
  if (totals.broken == 0) return true;
  return EKM_FAIL(err, EKM_E_CONFORMANCE, "%u of %u rules are broken", totals.broken,
                  totals.ok + totals.broken + totals.skipped);
}
