#include "core/tokenizer/tokenizer.h"
