#include "core/chat/stop_matcher.h"
