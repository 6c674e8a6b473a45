#include "base/env.h"
#include "cli/cli.h"

int main(int argc, char **argv) {
  return (int)cli_main(argc, argv, ekm_env_process());
}
