// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/generation_page.h"

#include "ui/settings/setting_row.h"

#include <QVBoxLayout>

namespace hearth::ui {

GenerationPage::GenerationPage(SettingBinder& binder, QWidget* parent)
    : SettingsPage(tr("Generation"), Switch::PerModel, binder, parent) {
    const auto decimal = [this](const char* key, const QString& title, const QString& hint, double step) {
        column()->addWidget(SettingRow::decimalNumber(this->binder(), QLatin1String(key), {title, hint}, step, widget()));
    };
    const auto whole = [this](const char* key, const QString& title, const QString& hint, int step, const QString& zeroText) {
        column()->addWidget(SettingRow::wholeNumber(this->binder(), QLatin1String(key), {title, hint}, step, zeroText, widget()));
    };

    decimal("sampling.temperature", tr("Temperature"), tr("Higher is more varied; 0 always takes the likeliest word."), 0.05);
    whole("sampling.maxTokens", tr("Longest reply"), tr("In tokens."), 64, tr("No limit"));
    column()->addWidget(SettingRow::optionalNumber(this->binder(), QStringLiteral("sampling.seed"),
                                                   {tr("Seed"), tr("The same seed and the same words give the same reply.")},
                                                   tr("Random"), widget()));

    addCaption(tr("Which words are in the draw"));
    whole("sampling.topK", tr("Top k"), tr("Only the k likeliest."), 1, tr("Off"));
    decimal("sampling.topP", tr("Top p"), tr("The likeliest that together reach this probability; 1 is off."), 0.01);
    decimal("sampling.minP", tr("Min p"), tr("At least this share of the likeliest word's probability; 0 is off."), 0.01);
    decimal("sampling.typicalP", tr("Typical p"), tr("The most typical ones that together reach this; 1 is off."), 0.01);
    decimal("sampling.xtcProbability", tr("XTC probability"), tr("How often the likeliest words are left out; 0 is off."), 0.05);
    decimal("sampling.xtcThreshold", tr("XTC threshold"), tr("How likely a word must be to be left out that way."), 0.01);

    addCaption(tr("Against repetition"));
    decimal("sampling.repeatPenalty", tr("Repeat penalty"), tr("1 is off."), 0.05);
    decimal("sampling.frequencyPenalty", tr("Frequency penalty"), tr("Grows with each use of a word; 0 is off."), 0.05);
    decimal("sampling.presencePenalty", tr("Presence penalty"), tr("For every word used already; 0 is off."), 0.05);
    whole("sampling.penaltyWindow", tr("Penalty window"), tr("Tokens looked back on; 0 is off."), 16, tr("All"));
    decimal("sampling.dryMultiplier", tr("DRY multiplier"), tr("Against repeating whole sequences; 0 is off."), 0.1);
}

} // namespace hearth::ui
