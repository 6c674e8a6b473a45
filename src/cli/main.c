#include "base/env.h"
#include "base/process.h"
#include "cli/cli.h"

int main(int argc, char **argv) {
  ekm_process_begin();
  ekm_process_arguments(&argc, &argv);
  return (int)cli_main(argc, argv, ekm_env_process());
}
