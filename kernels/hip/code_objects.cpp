// SPDX-License-Identifier: Apache-2.0
//
// The code objects that were built, embedded byte for byte. code_objects_table.inc is generated: HEARTH_EMBED(arch, file) for each, and the list
// HEARTH_CODE_OBJECTS of HEARTH_ROW(arch).
#include "kernels/hip/hip_module.h"

#include <array>
#include <cstddef>

#define HEARTH_EMBED(arch, file)                                                                                       \
    __asm__(".section .rodata\n.balign 4096\nhearth_code_" #arch ":\n.incbin \"" file "\"\nhearth_code_end_" #arch    \
            ":\n.byte 0\n.previous\n");                                                                                \
    extern "C" __attribute__((visibility("hidden"))) const std::byte hearth_code_##arch[];                             \
    extern "C" __attribute__((visibility("hidden"))) const std::byte hearth_code_end_##arch[];
#include "code_objects_table.inc"

namespace hearth::kernels {

std::span<const CodeObject> codeObjects() {
#define HEARTH_ROW(arch) CodeObject{#arch, {hearth_code_##arch, hearth_code_end_##arch}},
    static const auto kObjects = std::to_array<CodeObject>({HEARTH_CODE_OBJECTS{nullptr, {}}});
#undef HEARTH_ROW
    return std::span(kObjects).first(kObjects.size() - 1); // the last only keeps the list from being empty
}

} // namespace hearth::kernels
