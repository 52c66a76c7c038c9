import SpecLanguage

/// The specs of this module.
public enum S390Specs {
  public static var all: [CatalogueEntry] {
    [
      CatalogueEntry { S390Sync() }, CatalogueEntry { S390KThread() },
      CatalogueEntry { S390Async() }, CatalogueEntry { S390Commands() },
    ]
  }
}
