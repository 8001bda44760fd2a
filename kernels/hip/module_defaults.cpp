// SPDX-License-Identifier: Apache-2.0
//
// What the module is linked with where no kernels are built: no code objects, so that every device is answered with
// FamilyNotBuiltIn, and no back end. Stronger definitions of the same functions take their place.
#include "kernels/hip/hip_module.h"

namespace hearth::kernels {

__attribute__((weak)) std::span<const CodeObject> codeObjects() {
    return {};
}

__attribute__((weak)) std::unique_ptr<Backend> createHipBackend(GpuRuntime&, const CodeObject&, const HipOptions&,
                                                                Status& status) {
    status = {StatusCode::UnsupportedType, "createHipBackend"};
    return nullptr;
}

} // namespace hearth::kernels
