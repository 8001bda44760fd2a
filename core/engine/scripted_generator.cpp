#include "core/engine/scripted_generator.h"
