import Simulator

/// A drawn list of faults as it is committed.
struct FaultListText {
  private let draw: FaultDraw

  /// Historical bugs that the simulator cannot have are told, too.
  private let tellsHistory: Bool

  init(_ draw: FaultDraw, ofAll tellsHistory: Bool) {
    self.draw = draw
    self.tellsHistory = tellsHistory
  }

  var text: String {
    var out = "# id, class, what it does, calls that show it. Made by tools/faults.\n"
    for entry in draw.entries { out += Self.line(entry) }
    if tellsHistory { out += history }
    for fault in draw.unseen { out += "# drawn, and shown by no calls tried: \(fault.id)\n" }
    return out
  }

  private var history: String {
    var out = "# Bugs that there were.\n"
    for (bug, entry) in draw.history { out += "# \(bug.name): \(bug.text)\n" + Self.line(entry) }
    for bug in HistoricalBug.all where bug.fault == nil { out += "# \(bug.name): \(bug.text)\n" }
    return out
  }

  private static func line(_ entry: FaultDraw.Entry) -> String {
    let fault = entry.fault
    let cells = [fault.id, fault.faultClass.rawValue, fault.summary, entry.witness]
    return cells.joined(separator: "\t") + "\n"
  }
}
