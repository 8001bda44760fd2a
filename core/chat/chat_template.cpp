#include "core/chat/chat_template.h"
