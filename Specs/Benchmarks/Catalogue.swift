import SpecLanguage

/// The specs of this module.
public enum BenchmarkSpecs {
  public static var all: [CatalogueEntry] {
    [CatalogueEntry { TDXTeardown() }, CatalogueEntry { TDXTeardownLive() }]
  }
}
