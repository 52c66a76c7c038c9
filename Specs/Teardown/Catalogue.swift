import SpecLanguage

/// The specs of this module.
public enum TeardownSpecs {
  public static var all: [CatalogueEntry] {
    [
      CatalogueEntry { TeardownMainline() },
      CatalogueEntry { ReleaseHint() },
      CatalogueEntry { DeferredRemoval() },
      CatalogueEntry { TerminateVMV4() },
      CatalogueEntry { TerminateVMLockFirst() },
      CatalogueEntry { TerminateVMSettled() },
    ]
  }
}
