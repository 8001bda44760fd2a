#include "core/catalog/model_library.h"
