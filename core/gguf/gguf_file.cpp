#include "core/gguf/gguf_file.h"
