#include "core/store/settings_store.h"
