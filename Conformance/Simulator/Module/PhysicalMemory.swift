/// What stands in memory and in caches, as far as keys decide what a reader gets.
///
/// A page remembers under which key it was written last. Who reads it under another key gets
/// nothing sensible, and so does a reader while a cache still holds lines of the page under
/// another HKID: they can be written back at any time (tdx-module S30).
struct PhysicalMemory {
  /// A key of the memory controller; 0 is the platform's own, which the host uses.
  typealias Key = UInt32

  private struct Page {
    var key: Key
    var value: UInt64
    var lines: [CachedLines] = []
  }

  /// Modified lines of one page in the caches of a package.
  private struct CachedLines: Hashable {
    var package: Int
    var hkid: Int
  }

  private var pages: [UInt64: Page] = [:]
  private var keys: [[Int: Key]]
  private var lastKey: Key = 0

  init(packages: Int) { keys = Array(repeating: [:], count: packages) }

  /// Gives an HKID a new random key on a package.
  mutating func configure(_ hkid: Int, package: Int) {
    lastKey += 1
    // The packages' controllers share the keys' number here: what matters is that it is new.
    keys[package][hkid] = lastKey
  }

  /// Memory belongs to the packages in turn, a gigabyte each.
  private func home(_ address: UInt64) -> Int { Int(address >> 30) % keys.count }

  private func key(_ hkid: Int, _ address: UInt64) -> Key {
    hkid == 0 ? 0 : keys[home(address)][hkid] ?? 0
  }

  mutating func write(_ address: UInt64, _ value: UInt64, hkid: Int, package: Int) {
    let number = address >> 12
    var page = pages[number] ?? Page(key: 0, value: 0)
    page.key = key(hkid, address)
    page.value = value
    let lines = CachedLines(package: package, hkid: hkid)
    page.lines.removeAll { $0.hkid == hkid }
    page.lines.append(lines)
    pages[number] = page
  }

  /// What the reader gets; nil is garbage.
  func read(_ address: UInt64, hkid: Int) -> UInt64? {
    guard let page = pages[address >> 12] else { return hkid == 0 ? 0 : nil }
    guard page.key == key(hkid, address), page.lines.allSatisfy({ $0.hkid == hkid }) else {
      return nil
    }
    return page.value
  }

  /// Writes the lines of a page under an HKID back, in every cache.
  mutating func writeBack(_ address: UInt64, hkid: Int) {
    pages[address >> 12]?.lines.removeAll { $0.hkid == hkid }
  }

  /// Writes everything in a package's caches back.
  mutating func writeBackAll(package: Int) {
    for number in pages.keys { pages[number]?.lines.removeAll { $0.package == package } }
  }

  /// Whether caches hold lines of an HKID.
  func isCached(hkid: Int) -> Bool {
    pages.values.contains { $0.lines.contains { $0.hkid == hkid } }
  }
}

/// What TLBs of one LP remember: where private pages of TDs are.
struct TranslationCache {
  struct Tag: Hashable {
    let domain: UInt64
    let gpa: UInt64
  }

  private var pages: [Tag: UInt64] = [:]

  subscript(domain: UInt64, gpa: UInt64) -> UInt64? {
    get { pages[Tag(domain: domain, gpa: gpa >> 12)] }
    set { pages[Tag(domain: domain, gpa: gpa >> 12)] = newValue }
  }

  /// INVEPT of a TD's contexts.
  mutating func flush(domain: UInt64) {
    pages = pages.filter { $0.key.domain != domain }
  }
}
