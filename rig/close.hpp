// How a stream ends; FIN against RST is evidence, so the difference has a name of its own.
#pragma once

namespace swiperig {

/// fin: orderly, what was written still arrives, this end reads no more; half: the same, but this end goes on reading
/// until the far end closes; reset: at once, what is under way is lost.
enum class Close { fin, half, reset };

}  // namespace swiperig
