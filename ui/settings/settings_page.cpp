// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/settings_page.h"

#include "ui/settings/setting_binder.h"
#include "ui/style/fonts.h"
#include "ui/style/theme.h"
#include "ui/widgets/card.h"

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QRadioButton>
#include <QSignalBlocker>
#include <QVBoxLayout>

namespace hearth::ui {

namespace {

constexpr int kTitlePx = 18;
constexpr int kNameLimit = 36; ///< characters of a model's name in the switch

class HairLine : public QWidget {
public:
    explicit HairLine(QWidget* parent) : QWidget(parent) { setFixedHeight(1); }

protected:
    void paintEvent(QPaintEvent*) override { QPainter(this).fillRect(rect(), Theme::current().line); }
};

} // namespace

SettingsPage::SettingsPage(const QString& title, Switch perModel, SettingBinder& binder, QWidget* parent)
    : QScrollArea(parent), m_title(title), m_binder(binder) {
    setFrameShape(QFrame::NoFrame);
    setWidgetResizable(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::NoFocus);
    viewport()->setAutoFillBackground(false);
    auto* content = new QWidget(this);
    m_column = new QVBoxLayout(content);
    m_column->setContentsMargins(24, 20, 16, 20);
    m_column->setSpacing(0);
    m_column->setAlignment(Qt::AlignTop);
    auto* heading = new QLabel(title, content);
    heading->setFont(textFont(kTitlePx, QFont::DemiBold));
    m_column->addWidget(heading);
    m_column->addSpacing(12);
    setWidget(content);
    content->setAutoFillBackground(false); // setWidget switches it on
    if (perModel == Switch::PerModel && !binder.modelName().isEmpty()) addSwitch();
}

void SettingsPage::addSwitch() {
    auto* everywhere = new QRadioButton(tr("For all models"), widget());
    QString name = m_binder.modelName();
    if (name.size() > kNameLimit) name = name.left(kNameLimit - 1) + QChar(0x2026);
    auto* here = new QRadioButton(tr("Only for %1").arg(name.replace(u'&', QStringLiteral("&&"))), widget());
    everywhere->setObjectName(QStringLiteral("forAllModels"));
    here->setObjectName(QStringLiteral("forThisModel"));
    auto* group = new QButtonGroup(this);
    group->addButton(everywhere);
    group->addButton(here);
    auto* row = new QHBoxLayout;
    row->setSpacing(20);
    row->addWidget(everywhere);
    row->addWidget(here);
    row->addStretch(1);
    m_column->addLayout(row);
    m_column->addSpacing(12);
    addLine();

    const auto show = [this, everywhere, here] {
        const QSignalBlocker first(everywhere);
        const QSignalBlocker second(here);
        (m_binder.target() == SettingBinder::Target::ThisModel ? here : everywhere)->setChecked(true);
    };
    show();
    connect(&m_binder, &SettingBinder::targetChanged, this, show);
    connect(here, &QRadioButton::toggled, this, [this](bool checked) {
        m_binder.setTarget(checked ? SettingBinder::Target::ThisModel : SettingBinder::Target::AllModels);
    });
}

void SettingsPage::addCaption(const QString& text) {
    auto* caption = new QLabel(text.toUpper(), widget());
    caption->setFont(sectionFont());
    caption->setForegroundRole(QPalette::PlaceholderText);
    m_column->addSpacing(12);
    m_column->addWidget(caption);
    m_column->addSpacing(4);
}

void SettingsPage::addNote(const QString& text) {
    auto* note = new MuteLabel(widget());
    note->setText(text);
    m_column->addWidget(note);
}

void SettingsPage::addLine() { m_column->addWidget(new HairLine(widget())); }

} // namespace hearth::ui
