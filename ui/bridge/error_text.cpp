// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/error_text.h"

#include <QCoreApplication>

namespace hearth::ui {

namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("ErrorText", text);
}

QString thing(ErrorContext context) {
    return context == ErrorContext::History ? tr("history file") : tr("model file");
}

} // namespace

QString ErrorText::inOneLine() const {
    QString line = title + u'.';
    if (!body.isEmpty()) line += u' ' + body;
    if (!remedy.isEmpty()) line += u' ' + remedy;
    return line;
}

ErrorText describe(const core::Error& error, ErrorContext context) {
    using core::ErrorCode;
    const QString details = QString::fromStdString(error.message);
    const auto text = [&details](const QString& title, const QString& body, const QString& remedy) {
        return ErrorText{title, body, remedy, details};
    };
    const bool history = context == ErrorContext::History;

    // No default: the compiler names a code that has no words yet.
    switch (error.code) {
    case ErrorCode::Cancelled:
        return text(tr("Cancelled"), {}, {});
    case ErrorCode::ContextTooSmall:
        return text(tr("The message is longer than the model's context"),
                    tr("Even without the earlier turns it does not fit into what the model can read at once."),
                    tr("Shorten the message, or raise the context length in Settings."));
    case ErrorCode::DatabaseBusy:
        return text(tr("The history is in use by another program"),
                    tr("Another process holds the history file, so new messages are not being saved."),
                    tr("Close the other program, then start Hearth again."));
    case ErrorCode::DatabaseCorrupt:
        return text(
            tr("The history file was damaged and has been set aside"),
            tr("It failed its check on opening. Nothing was deleted: the damaged file lies beside the new one."),
            tr("A new history has been begun. The details name the file that was set aside."));
    case ErrorCode::DatabaseReadOnly:
        return text(tr("This conversation is not being saved"), tr("The history file or its folder cannot be written."),
                    tr("Allow writing to the data folder; unsaved messages are kept on the screen and saved as soon as "
                       "that works."));
    case ErrorCode::DatabaseTooNew:
        return text(tr("The history was written by a newer Hearth"),
                    tr("This version cannot read it safely and leaves it alone. New messages are kept in memory only."),
                    tr("Install the newer version, or start with another folder: hearth --data-dir FOLDER."));
    case ErrorCode::DeviceLost:
        return text(tr("The graphics card stopped answering"),
                    tr("Its driver reset it or it was removed while the model was running."),
                    tr("Load the model again."));
    case ErrorCode::DiskFull:
        return history ? text(tr("The disk is full, so this conversation is not being saved"),
                              tr("What is on the screen is kept in memory."),
                              tr("Free some space; saving resumes by itself."))
                       : text(tr("The disk is full"), tr("There was no room to finish writing."),
                              tr("Free some space and try again."));
    case ErrorCode::FileChanged:
        return text(tr("The %1 changed on the disk").arg(thing(context)),
                    tr("It was replaced, shortened or removed while it was in use."), tr("Load the model again."));
    case ErrorCode::FileNotFound:
        return text(tr("The %1 is not there").arg(thing(context)),
                    tr("It was moved, renamed or deleted, or its disk is not connected."),
                    tr("Choose another model from the menu, or open the file from where it is now."));
    case ErrorCode::FileTruncated:
        return text(tr("The %1 is incomplete").arg(thing(context)),
                    tr("It is shorter than its own header says; most likely a download was interrupted."),
                    tr("Download it again."));
    case ErrorCode::HashMismatch:
        return text(tr("The downloaded file is not the one that was promised"), tr("Its checksum differs."),
                    tr("Download it again."));
    case ErrorCode::Internal:
        return text(tr("Something went wrong inside Hearth"), tr("This is a fault of the program, not of yours."),
                    tr("Try again; if it happens again, please report it with the details."));
    case ErrorCode::InvalidArgument:
        return text(tr("A value is out of its range"), tr("Hearth refused it and kept the earlier one."), {});
    case ErrorCode::IoError:
        return history ? text(tr("This conversation is not being saved"), tr("Writing to the history file failed."),
                              tr("Check the disk; saving is tried again with every message."))
                       : text(tr("The %1 could not be read").arg(thing(context)), tr("The disk reported an error."),
                              tr("Check the disk or its connection, then try again."));
    case ErrorCode::IsDirectory:
        return text(tr("This is a folder, not a model file"), tr("A model is a single file whose name ends in .gguf."),
                    tr("Open a file inside it, or add the folder under Model folders."));
    case ErrorCode::MalformedFile:
        return text(tr("The %1 is damaged").arg(thing(context)),
                    tr("Its header contradicts itself, so nothing in it can be trusted."),
                    tr("Download it again, or choose another model."));
    case ErrorCode::MissingKey:
        return text(tr("The model file lacks something that its kind needs"),
                    tr("A required entry is missing from its header."), tr("Choose a newer conversion of this model."));
    case ErrorCode::MissingTensor:
        return text(tr("The model file lacks some of its weights"),
                    tr("It may be one part of a split model, or an unusual conversion."),
                    tr("Put all parts into one folder, or choose another conversion."));
    case ErrorCode::Network:
        return text(tr("The network did not answer"), tr("The connection failed or was interrupted."),
                    tr("Check the connection, then try again."));
    case ErrorCode::NoModelLoaded:
        return text(tr("No model is loaded"), tr("There is nobody to answer yet."),
                    tr("Choose a model from the menu, then press Regenerate."));
    case ErrorCode::NotGguf:
        return text(tr("This is not a GGUF file"), tr("Hearth runs models in the GGUF format only."),
                    tr("Look for a GGUF version of the model; the name ends in .gguf."));
    case ErrorCode::OutOfMemory:
        return text(tr("There is not enough memory"), tr("The model with its context needs more than is free."),
                    tr("Close other programs, lower the context length in Settings, or choose a smaller model."));
    case ErrorCode::PermissionDenied:
        return history ? text(tr("This conversation is not being saved"), tr("Hearth may not open its history file."),
                              tr("Allow reading and writing in the data folder, then start Hearth again."))
                       : text(tr("Hearth may not read this file"), tr("Your user has no permission for it."),
                              tr("Change the file's permissions, or copy it to your own folder."));
    case ErrorCode::TemplateLimit:
        return text(tr("The model's chat template ran too long"), tr("It was stopped at its limit of time or size."),
                    tr("Choose another conversion of this model."));
    case ErrorCode::TemplateRaised:
        return text(tr("The model's chat template refuses this conversation"), details,
                    tr("Change the conversation or the system prompt."));
    case ErrorCode::TemplateRuntime:
    case ErrorCode::TemplateSyntax:
        return text(tr("The model's chat template does not work"), tr("Its text could not be run."),
                    tr("Choose another conversion of this model."));
    case ErrorCode::UnsupportedArchitecture:
        return text(tr("Hearth cannot run this kind of model yet"),
                    tr("The file is sound, but its architecture is not supported."),
                    tr("Choose a model of another family, for example Llama, Qwen, Gemma or Phi."));
    case ErrorCode::UnsupportedTensorType:
        return text(tr("Hearth cannot read this quantization yet"),
                    tr("The file is sound, but its weights are in a type that is not supported."),
                    tr("Choose another quantization of the same model, for example Q4_K_M."));
    case ErrorCode::UnsupportedTokenizer:
        return text(tr("Hearth cannot read this model's vocabulary yet"),
                    tr("The file is sound, but its tokenizer is not supported."), tr("Choose another model."));
    case ErrorCode::UnsupportedVersion:
        return text(tr("This version of GGUF is not supported"), tr("Hearth reads versions 2 and 3."),
                    tr("Choose a newer conversion of this model."));
    case ErrorCode::WrongShape:
        return text(tr("The model's weights do not fit together"),
                    tr("A tensor has another size than the header calls for."),
                    tr("Download it again, or choose another conversion."));
    }
    return text(tr("Something went wrong"), {}, {});
}

ErrorText describeGpu(const core::ModelInfo& info) {
    using core::GpuReason;
    const QString gpu = info.gpuName.empty() ? tr("graphics card") : QString::fromStdString(info.gpuName);
    const QString details = QString::fromStdString(info.backendReason);
    const auto text = [&](const QString& title, const QString& body, const QString& remedy) {
        return ErrorText{title, body, remedy, details};
    };
    const QString onTheProcessor = tr("The model runs on the processor instead.");

    // No default: the compiler names a reason that has no words yet.
    switch (info.gpuReason) {
    case GpuReason::Ok:
        return {};
    case GpuReason::ModuleMissing:
        return text(tr("Hearth's part for graphics cards is missing"), onTheProcessor,
                    tr("Install Hearth again, with all its files."));
    case GpuReason::RuntimeMissing:
        return text(tr("The %1 needs a runtime that is not installed").arg(gpu), onTheProcessor,
                    tr("Install the package libamdhip64-5; a Radeon RX 7000 or 9000 needs AMD's own ROCm packages."));
    case GpuReason::RuntimeTooOld:
        return text(tr("The runtime for the %1 is too old").arg(gpu), onTheProcessor,
                    tr("Install AMD's newer ROCm packages; Debian 12's own end before the Radeon RX 7000."));
    case GpuReason::NoPermission:
        return text(tr("Your user may not use the %1").arg(gpu), onTheProcessor,
                    tr("Add your user to the group that the details name, then log in again."));
    case GpuReason::NoDevice:
        return text(tr("No usable graphics card was found"), onTheProcessor,
                    tr("The details say what was looked for; a newer runtime may know the card."));
    case GpuReason::FamilyNotBuiltIn:
        return text(tr("This Hearth has nothing for the %1").arg(gpu),
                    tr("Its family is not among those that this version was built for.") + u' ' + onTheProcessor,
                    tr("A later version may support it."));
    case GpuReason::SelfTestFailed:
        return text(tr("The %1 failed its test").arg(gpu),
                    tr("It computed something else than the processor.") + u' ' + onTheProcessor,
                    tr("Update its driver, then try again."));
    case GpuReason::OutOfMemory:
        return text(tr("The memory of the %1 is full").arg(gpu), onTheProcessor,
                    tr("Close programs that use it, lower the context length, or choose a smaller model."));
    case GpuReason::DeviceLost:
        return text(tr("The %1 stopped answering").arg(gpu), onTheProcessor,
                    tr("Start Hearth again to use it. If this happens again, update its driver."));
    case GpuReason::Hang:
        return text(tr("The %1 did not finish its work in time").arg(gpu), onTheProcessor,
                    tr("Start Hearth again to use it. If this happens again, update its driver."));
    case GpuReason::ProbeCrashed:
        return text(tr("The driver of the %1 crashed when it was tried out").arg(gpu), onTheProcessor,
                    tr("Update the driver, then try again."));
    case GpuReason::ProbeTimedOut:
        return text(tr("The driver of the %1 did not answer when it was tried out").arg(gpu), onTheProcessor,
                    tr("Restart the computer or update the driver, then try again."));
    case GpuReason::CrashedLastTime:
        return text(tr("The %1 is left alone after a crash").arg(gpu),
                    tr("Last time Hearth ended unexpectedly while it used it; most likely its driver crashed.") + u' ' + onTheProcessor,
                    tr("Try the GPU again when you like; the driver may need an update."));
    case GpuReason::UsersChoice:
        return text(tr("The model runs on the processor"), tr("That was chosen in Settings."),
                    tr("Choose the graphics card there to use it."));
    case GpuReason::HiddenByEnvironment:
        return text(tr("The %1 is hidden by an environment variable").arg(gpu), onTheProcessor,
                    tr("Start Hearth without the variable that the details name."));
    case GpuReason::DriverError:
        return text(tr("The driver of the %1 refused to work").arg(gpu), onTheProcessor,
                    tr("Update the driver, then try again."));
    case GpuReason::ModelNeedsMore:
        return text(tr("This model cannot use the %1 yet").arg(gpu),
                    tr("It needs something that Hearth's kernels for graphics cards lack.") + u' ' + onTheProcessor,
                    tr("A later version may support it."));
    }
    return {};
}

} // namespace hearth::ui
