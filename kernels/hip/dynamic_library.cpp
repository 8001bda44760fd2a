// SPDX-License-Identifier: Apache-2.0
#include "kernels/hip/dynamic_library.h"

#include <string_view>

#include <dlfcn.h>
#include <link.h>

namespace hearth::kernels {

bool DynamicLibrary::open(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        m_handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
        if (m_handle != nullptr) return true;
        // "libx.so: cannot open shared object file: ..." only says that this one is not there.
        const char* message = ::dlerror();
        const std::string_view text = message == nullptr ? "" : message;
        const std::string_view absent = ": cannot open shared object file: No such file";
        const bool isAbsent = text.starts_with(name) && text.substr(std::string_view(name).size()).starts_with(absent);
        if (m_complaint.empty() && !isAbsent) m_complaint = text;
    }
    return false;
}

std::string DynamicLibrary::file() const {
    link_map* map = nullptr;
    if (m_handle == nullptr || ::dlinfo(m_handle, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) return {};
    return map->l_name;
}

void* DynamicLibrary::symbol(const char* name) const {
    return m_handle == nullptr ? nullptr : ::dlsym(m_handle, name);
}

} // namespace hearth::kernels
