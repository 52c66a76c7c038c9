import SpecLanguage

/// The specs of this module.
public enum TDXModuleSpecs {
  public static var all: [CatalogueEntry] {
    [
      CatalogueEntry { HKIDLifecycle() }, CatalogueEntry { HKIDLife() },
      CatalogueEntry { TDXModule() },
    ]
  }
}
