import SpecLanguage

/// The specs of this module.
public enum GuestMemfdSpecs {
  public static var all: [CatalogueEntry] {
    [
      CatalogueEntry { GmemMainline() }, CatalogueEntry { InPlaceConversion() },
      CatalogueEntry { InPlaceTDX() }, CatalogueEntry { InPlaceTDXTerminate() },
      CatalogueEntry { InPlaceSNP() },
      CatalogueEntry { HugePages() }, CatalogueEntry { HugePagesRFCv2() },
    ]
  }
}
