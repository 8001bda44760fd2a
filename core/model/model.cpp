namespace hearth::core {}
