import SpecLanguage

/// The specs of this module.
public enum KVMSpecs {
  public static var all: [CatalogueEntry] { [CatalogueEntry { TDXVM() }] }
}
