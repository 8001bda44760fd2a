// SPDX-License-Identifier: Apache-2.0
//
// ModelListModel: the GGUF files that were found, usable ones first, for the Model menu.
// Thread: GUI.
#pragma once

#include "core/catalog/model_library.h"

#include <QAbstractListModel>

#include <vector>

namespace hearth::ui {

enum ModelItemRole : int {
    ModelPathRole = Qt::UserRole + 1, ///< QString
    ModelNameRole,                    ///< QString
    ModelQuantRole,                   ///< QString: "Q4_K_M"
    ModelSizeRole,                    ///< QString: "4.7 GB"
    ModelUsableRole,                  ///< bool
    ModelWhyNotRole,                  ///< QString for people; empty when usable
};

class ModelListModel : public QAbstractListModel {
    Q_OBJECT
public:
    using QAbstractListModel::QAbstractListModel;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QHash<int, QByteArray> roleNames() const override;

    void setCards(std::vector<core::ModelCard> cards);
    [[nodiscard]] const std::vector<core::ModelCard>& cards() const { return m_cards; }

private:
    std::vector<core::ModelCard> m_cards;
};

} // namespace hearth::ui
