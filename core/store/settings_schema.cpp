#include "core/store/settings_schema.h"
