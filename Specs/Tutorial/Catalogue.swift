import SpecLanguage

/// The specs of the README's tutorial.
public enum TutorialSpecs {
  public static var all: [CatalogueEntry] {
    [
      CatalogueEntry { TicketLock() }, CatalogueEntry { Turns() }, CatalogueEntry { OneLane() },
      CatalogueEntry { Lights() },
    ]
  }
}
