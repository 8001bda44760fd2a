// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/empty_state.h"

#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace hearth::ui {

namespace {

constexpr int kPicturePx = 56;
constexpr int kTextWidth = 420;

} // namespace

EmptyState::EmptyState(QWidget* parent)
    : QWidget(parent)
    , m_picture(new QLabel(this))
    , m_title(new QLabel(this))
    , m_sentence(new QLabel(this))
    , m_button(new QPushButton(this)) {
    m_title->setFont(textFont(metrics::kBigNumberPx, QFont::DemiBold));
    m_title->setAlignment(Qt::AlignHCenter);
    m_title->setTextFormat(Qt::PlainText);
    m_title->setWordWrap(true);
    m_sentence->setFont(textFont(metrics::kTextPx));
    m_sentence->setAlignment(Qt::AlignHCenter);
    m_sentence->setTextFormat(Qt::RichText); // for the line height; the text is escaped
    m_sentence->setWordWrap(true);
    m_sentence->setObjectName(QStringLiteral("sentence"));
    m_button->setObjectName(QStringLiteral("action"));
    m_button->setProperty("primary", true);

    auto* texts = new QWidget(this);
    texts->setMaximumWidth(kTextWidth);
    auto* inner = new QVBoxLayout(texts);
    inner->setContentsMargins(0, 0, 0, 0);
    inner->setSpacing(8);
    inner->addWidget(m_picture, 0, Qt::AlignHCenter);
    inner->addSpacing(8);
    inner->addWidget(m_title);
    inner->addWidget(m_sentence);
    inner->addSpacing(12);
    inner->addWidget(m_button, 0, Qt::AlignHCenter);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 24, 24, 24);
    // A little above the middle looks like the middle.
    column->addStretch(2);
    auto* row = new QHBoxLayout;
    row->addStretch(1);
    row->addWidget(texts, 100);
    row->addStretch(1);
    column->addLayout(row);
    column->addStretch(3);

    connect(m_button, &QPushButton::clicked, this, [this] {
        if (m_offersChoice) {
            emit chooseModelRequested();
        } else {
            emit openFileRequested();
        }
    });
    connect(&Theme::instance(), &Theme::themeChanged, this, &EmptyState::paintPicture);
    paintPicture();
    setNoModel();
}

void EmptyState::setNoModel(int modelsKnown) {
    m_offersChoice = modelsKnown > 0;
    if (m_offersChoice) {
        change(tr("No model is loaded"), tr("Choose one of the models on this computer to start a chat."), tr("Choose a model"));
    } else {
        change(tr("Welcome to Hearth"), tr("Open a language model in GGUF format; it runs on this computer, and nothing you write leaves it."),
               tr("Open a model file\u2026"));
    }
}

void EmptyState::setLoading(const QString& modelName) {
    change(modelName, tr("The model is being loaded. You can write already."), {});
}

void EmptyState::setReady(const QString& modelName) {
    change(modelName, tr("Ready. Ask something, or paste a text to work on."), {});
}

void EmptyState::change(const QString& title, const QString& sentence, const QString& buttonText) {
    m_title->setText(title);
    m_sentence->setText(QStringLiteral("<p style='line-height:125%'>%1</p>").arg(sentence.toHtmlEscaped()));
    m_button->setText(buttonText);
    m_button->setVisible(!buttonText.isEmpty());
    setAccessibleName(title);
    setAccessibleDescription(sentence);
}

void EmptyState::paintPicture() {
    m_picture->setPixmap(applicationIcon().pixmap(QSize(kPicturePx, kPicturePx), devicePixelRatio()));
    QPalette quiet = palette();
    quiet.setColor(QPalette::WindowText, Theme::current().mute);
    m_sentence->setPalette(quiet);
}

} // namespace hearth::ui
