# A short face over the presets of CMakePresets.json. Each target first installs what this machine lacks.

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.NOTPARALLEL:  # one build at a time; ninja uses every core

help:  ## what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 24

deps:  ## install every package that any target needs
	@scripts/deps.sh build test demo fuzz lint windows dist wine

build: build-dev  ## everything, into build/dev

test: deps-test build-dev build-asan  ## every test, plain and under ASan and UBSan
	@scripts/run_tests.sh dev asan

demo: deps-demo build-dev  ## the whole idea on real input: wrap, encrypt, restart, recover, revoke
	@demo/demo.sh build/dev

bench: build-release deps-official  ## every figure that is promised, as medians of interleaved pairs
	@bench/bench.sh build/release

soak: deps-test build-dev  ## ten minutes of 32 threads and a bad network; DURATION in seconds, SEED to repeat one
	@env "DURATION=$(DURATION)" "SEED=$(SEED)" build/dev/tests/integration/soak

tsan: deps-test build-tsan  ## the tests under ThreadSanitizer
	@scripts/run_tests.sh tsan

official: deps-official build-dev  ## Microsoft's own clients for JavaScript against akvd; they come from the npm registry
	@tests/official/official.sh build/dev

fuzz: deps-fuzz build-fuzz  ## every parser of what comes from outside, with inputs that nobody wrote
	@scripts/fuzz.sh build/fuzz

lint: deps-lint deps-test build-dev build-tidy  ## layout, second compiler, clang-tidy, cppcheck, and the rules of STYLE.md
	@scripts/lint.sh

format:  ## lay out every C file
	@scripts/deps.sh lint
	find src include demo bench tests -name '*.[ch]' -print0 | xargs -0 clang-format -i

windows: deps-windows  ## openekm.dll and ekmctl.exe for Windows x64, into build/windows/bin
	@scripts/windows_libs.sh build/windows-libs
	@$(MAKE) --silent --no-print-directory build/windows/build.ninja
	cmake --build --preset windows

windows-sign: windows deps-dist  ## signed, into build/windows/signed: CERT, KEY, ROOT; PFX, ROOT; or a development certificate
	@scripts/windows_sign.sh build/windows/signed build/windows/bin/openekm.dll build/windows/bin/ekmctl.exe

windows-package: windows deps-dist  ## a zip with all that a server needs, and its MSI; signed as by windows-sign
	@scripts/windows_package.py build/windows build/windows-libs

windows-test: deps-test deps-official deps-wine deps-dist windows build-dev  ## what can be seen in them, and what Wine can run, akvd behind
	@scripts/run_tests.sh windows

docs: deps-test build-dev  ## the pages that are made from tables
	scripts/gen_errors.py
	build/dev/src/settings/openekm_sample >docs/openekm.conf
	build/dev/src/vault/akvd_sample >docs/akvd.conf
	scripts/gen_sql.py build/dev/bin/ekmctl

clean:  ## remove the build folders
	rm -rf build

# Ninja configures again by itself when a CMakeLists.txt changed; a preset that changed is seen here.
build/%/build.ninja: CMakePresets.json
	cmake --preset $*

build-%: deps-build
	@$(MAKE) --silent --no-print-directory build/$*/build.ninja
	cmake --build --preset $*

deps-official:  # another Node.js than Debian's will do
	@command -v node >/dev/null && command -v npm >/dev/null || scripts/deps.sh official

deps-%:
	@scripts/deps.sh $*

.PHONY: help deps build demo test bench soak tsan official fuzz lint format windows windows-sign windows-package windows-test docs clean
