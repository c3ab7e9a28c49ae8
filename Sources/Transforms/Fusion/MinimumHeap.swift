/// Numbers of which the least is taken first.
struct MinimumHeap {
    private var numbers: [Int] = []

    mutating func insert(_ number: Int) {
        numbers.append(number)
        var place = numbers.count - 1
        while place > 0, numbers[place] < numbers[(place - 1) / 2] {
            numbers.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func popMinimum() -> Int? {
        guard let least = numbers.first, let last = numbers.popLast() else { return nil }
        guard !numbers.isEmpty else { return least }
        numbers[0] = last
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < numbers.count {
                if numbers[child] < numbers[least] { least = child }
            }
            guard least != place else { break }
            numbers.swapAt(place, least)
            place = least
        }
        return least
    }
}
