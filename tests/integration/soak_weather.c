#include "soak.h"

unsigned soak_draw(uint64_t *random, unsigned range) {
  *random ^= *random >> 12;
  *random ^= *random << 25;
  *random ^= *random >> 27;
  return (unsigned)(((*random * UINT64_C(2685821657736338717)) >> 33) % range);
}

static void end_all(relay *r, relay_end end) {
  relay_end_all(r, end);
}

static void reset_all(relay *r) {
  end_all(r, RELAY_RESET);
}

static void close_all(relay *r) {
  end_all(r, RELAY_CLOSE);
}

static void silence_all(relay *r) {
  end_all(r, RELAY_SILENCE);
}

static void open_hole(relay *r) {
  relay_set_hole(r, true);
}

static void leave(relay *r) {
  relay_set_absent(r, true);
  relay_end_all(r, RELAY_RESET);
}

/* Of 100 days, so many are like this. */
static const struct {
  const char *name;
  unsigned days;
  relay_weather weather;
  void (*strike)(relay *r); /* once, at its beginning; may be NULL */
} almanac[] = {
    {"calm", 35, {0}, NULL},
    {"latency", 12, {.delay_ms = 5, .delay_spread_ms = 30}, NULL},
    {"losses", 10, {.delay_ms = 1, .stalls = 500, .stall_ms = 300}, NULL},
    {"resets", 10, {.resets = 200}, NULL},
    {"closes", 6, {.closes = 200}, NULL},
    {"silences", 6, {.silences = 50}, NULL},
    {"refusals", 5, {.refusals = 3000}, NULL},
    {"all at once", 4, {.delay_spread_ms = 20, .stalls = 100, .stall_ms = 300, .resets = 50, .silences = 20}, NULL},
    {"everything reset", 3, {0}, reset_all},
    {"everything closed", 2, {0}, close_all},
    {"everything half-open", 3, {0}, silence_all},
    {"a black hole", 2, {0}, open_hole},
    {"nobody there", 2, {0}, leave},
};

enum { KINDS = sizeof almanac / sizeof almanac[0], SIGN_IN_PERCENT = 50, RESTART_PERCENT = 2 };

static void calm(relay *r) {
  relay_set_weather(r, NULL);
  relay_set_hole(r, false);
  relay_set_absent(r, false);
}

void soak_weather_calm(soak *s) {
  calm(s->vault);
  calm(s->sign_in);
}

static const char *change(soak *s, relay *r) {
  unsigned day = soak_draw(&s->random, 100);
  size_t kind = 0;
  while (kind < KINDS - 1 && day >= almanac[kind].days) day -= almanac[kind++].days;
  calm(r);
  relay_set_weather(r, &almanac[kind].weather);
  if (almanac[kind].strike != NULL) almanac[kind].strike(r);
  return almanac[kind].name;
}

const char *soak_weather_change(soak *s) {
  const char *name = change(s, s->vault);
  if (soak_draw(&s->random, 100) < SIGN_IN_PERCENT) (void)change(s, s->sign_in);
  if (soak_draw(&s->random, 100) < RESTART_PERCENT) {
    uint16_t port = s->f->akvd.port;
    akvd_process_kill(&s->f->akvd);
    akvd_process_start(&s->f->akvd, port);
    name = "the vault restarts";
  }
  return name;
}
