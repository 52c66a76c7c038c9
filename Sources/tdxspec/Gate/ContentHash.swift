import Foundation

/// A hash of contents: 128-bit FNV-1a. It tells whether something is as it was; it does not protect
/// against somebody who looks for collisions.
struct ContentHash {
  private var value: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
  private static let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013b

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt128(byte)) &* Self.prime }
  }

  /// A text and its end, so that no two lists of texts run together.
  mutating func add(_ text: String) {
    add(text.utf8)
    add([0])
  }

  /// The file's bytes, or those of all files in the folder, with their names; nothing for a path
  /// that is neither.
  mutating func add(path: String) {
    var isFolder = ObjCBool(false)
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    add(path)
    guard isFolder.boolValue else {
      if let data = FileManager.default.contents(atPath: path) { add(data) }
      return
    }
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    for name in names.sorted() {
      add(name)
      if let data = FileManager.default.contents(atPath: "\(path)/\(name)") { add(data) }
    }
  }

  /// In hexadecimal.
  var text: String { String(value, radix: 16) }
}
