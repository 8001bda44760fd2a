#include "core/gguf/gguf_metadata.h"
