# Compiles what openekm.dll is made of for Windows x64, with every warning; nothing is linked or run.
# usage: make -f scripts/windows.mk
#
# A file is of the DLL unless its name says that it belongs to another system, or to a library that Windows has its own
# for: new files are seen by themselves. http is not here: it waits for a libcurl for Windows.

LAYERS  := base crypto config entra keyvault keyring settings provider
OUT     := build/windows
CC      := x86_64-w64-mingw32-gcc-win32
CFLAGS  := -std=c17 -O2 @cmake/warnings.flags -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
           -D_WIN32_WINNT=0x0A00 -DUNICODE -D_UNICODE -D__USE_MINGW_ANSI_STDIO=1 -Isrc -Iinclude -isystem $(OUT)/include

SOURCES := $(filter-out %_openssl.c %_p11.c, $(wildcard $(LAYERS:%=src/%/*.c) $(LAYERS:%=src/%/windows/*.c)))
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o)

check: $(OBJECTS)
	@echo "$(words $(OBJECTS)) files compile for Windows"

$(OUT)/%.o: %.c cmake/warnings.flags | $(OUT)/include/jansson_config.h
	@mkdir -p $(@D)
	@echo "windows $<"
	@$(CC) $(CFLAGS) -MMD -c $< -o $@

# jansson has no package for Windows, but its headers are the same everywhere. No other header of this machine may be
# seen, so these two are copied to a folder of their own.
$(OUT)/include/jansson_config.h:
	@mkdir -p $(@D)
	@cp $$(pkg-config --variable=includedir jansson)/jansson.h $(@D)
	@cp "$$(find /usr/include -name jansson_config.h | head -n 1)" $@

-include $(OBJECTS:.o=.d)

.PHONY: check
.DELETE_ON_ERROR:
