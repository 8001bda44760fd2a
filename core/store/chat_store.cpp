#include "core/store/chat_store.h"
