#include "core/tokenizer/vocabulary.h"
