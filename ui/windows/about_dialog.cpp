// SPDX-License-Identifier: Apache-2.0
#include "ui/windows/about_dialog.h"

#include "ui/bridge/library_worker.h"
#include "ui/style/icons.h"

#include <QCoreApplication>
#include <QDir>
#include <QMessageBox>

namespace hearth::ui {

void showAbout(QWidget* parent) {
    auto* box = new QMessageBox(parent);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setWindowTitle(QMessageBox::tr("About Hearth"));
    box->setIconPixmap(applicationIcon().pixmap(64, 64));
    box->setTextFormat(Qt::PlainText);
    box->setText(QMessageBox::tr("Hearth %1").arg(QCoreApplication::applicationVersion()));
    box->setInformativeText(
        QMessageBox::tr("Chat with language models that run on this computer. Nothing leaves the machine.\n\n"
                        "Models are looked for in %1 and the folders in Settings.\n\n"
                        "Apache License 2.0. Built with Qt %2.")
            .arg(QDir::toNativeSeparators(LibraryClient::defaultFolder()), QString::fromLatin1(qVersion())));
    box->setStandardButtons(QMessageBox::Close);
    box->open();
}

} // namespace hearth::ui
