// SPDX-License-Identifier: Apache-2.0
#include "ui/models/model_list_model.h"

#include "core/base/units.h"

#include <algorithm>

namespace hearth::ui {

int ModelListModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_cards.size());
}

QVariant ModelListModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= int(m_cards.size())) return {};
    const core::ModelCard& card = m_cards[std::size_t(index.row())];
    switch (role) {
    case ModelPathRole:
        return QString::fromStdString(card.path);
    case Qt::DisplayRole:
    case ModelNameRole:
        return QString::fromStdString(card.name);
    case ModelQuantRole:
        return QString::fromStdString(card.quantization);
    case ModelSizeRole:
        return QString::fromStdString(core::formatBytes(card.bytes));
    case ModelUsableRole:
        return card.usable;
    case ModelWhyNotRole:
        return card.usable ? QString() : QString::fromStdString(card.whyNot);
    default:
        return {};
    }
}

QHash<int, QByteArray> ModelListModel::roleNames() const {
    return {{ModelPathRole, "path"}, {ModelNameRole, "name"},     {ModelQuantRole, "quant"},
            {ModelSizeRole, "size"}, {ModelUsableRole, "usable"}, {ModelWhyNotRole, "whyNot"}};
}

void ModelListModel::setCards(std::vector<core::ModelCard> cards) {
    std::ranges::stable_partition(cards, &core::ModelCard::usable);
    beginResetModel();
    m_cards = std::move(cards);
    endResetModel();
}

} // namespace hearth::ui
