// SPDX-License-Identifier: Apache-2.0
//
// FixtureTree: a /proc and a /sys of a machine that the tests would like to run on.
#pragma once

#include <QTemporaryDir>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace hearth::core {

class FixtureTree {
public:
    std::filesystem::path sys() const { return root() / "sys"; }
    std::filesystem::path proc() const { return root() / "proc"; }
    std::filesystem::path root() const { return m_folder.path().toStdString(); }

    void write(const std::filesystem::path& path, std::string_view text) const {
        std::filesystem::create_directories((root() / path).parent_path());
        std::ofstream(root() / path, std::ios::binary) << text;
    }

    void link(const std::filesystem::path& target, const std::filesystem::path& path) const {
        std::filesystem::create_directories((root() / path).parent_path());
        std::filesystem::create_directory_symlink(root() / target, root() / path);
    }

    void remove(const std::filesystem::path& path) const { std::filesystem::remove_all(root() / path); }

private:
    QTemporaryDir m_folder;
};

} // namespace hearth::core
