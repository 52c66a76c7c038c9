import SpecLanguage

/// The specs of this module.
public enum OtherArchitectureSpecs {
  public static var all: [CatalogueEntry] {
    [CatalogueEntry { SNPTeardown() }, CatalogueEntry { CCATeardown() }]
  }
}
