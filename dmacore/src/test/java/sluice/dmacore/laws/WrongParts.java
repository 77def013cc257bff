package sluice.dmacore.laws;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.laws.Outcome.Reader;
import sluice.dmacore.laws.Outcome.WrongRead;

/**
 * Loads of the CPU that nobody sees, but whose mistake can be seen: a device wrote, its range was taken back in the direction that
 * takes nothing, and was given to it again without having been stored anew, by the CPU or by the device. Had it been
 * stored, it would have been right; had it been taken back properly before it was given, nobody could tell that a load came between.
 */
final class WrongParts {
    /** The attachment that wrote a byte last, plus 1; 0 if another did, or if it was taken back. */
    private final int[] wrote;
    private final boolean[] notTaken;
    private final @Nullable WrongRead[] pending;
    private final @Nullable WrongRead[] shown;

    WrongParts(Layout layout) {
        wrote = new int[layout.bytes()];
        notTaken = new boolean[layout.bytes()];
        pending = new WrongRead[layout.bytes()];
        shown = new WrongRead[layout.bytes()];
    }

    /** @param who attachment, or -1 for the CPU */
    void written(int who, int[] places, int from, int length) {
        for (int i = from; i < from + length; i++) forget(places[i], who + 1);
    }

    private void forget(int at, int writer) {
        wrote[at] = writer;
        notTaken[at] = false;
        pending[at] = null;
        if (writer != 0) shown[at] = null;
    }

    /** @param who attachment, or -1 if it is taken from whoever wrote */
    void taken(int who, int[] places, int from, int length, boolean properly) {
        for (int i = from; i < from + length; i++) {
            int at = places[i];
            if (wrote[at] == 0 || (who >= 0 && wrote[at] != who + 1)) continue;
            if (properly) {
                forget(at, 0);
            } else {
                notTaken[at] = true;
            }
        }
    }

    void loaded(WrongRead read) {
        if (notTaken[read.at()]) pending[read.at()] = read;
    }

    void given(int who, int[] places, int from, int length) {
        for (int i = from; i < from + length; i++) {
            WrongRead read = pending[places[i]];
            if (read == null || wrote[places[i]] != who + 1) continue;
            shown[places[i]] = read;
            pending[places[i]] = null;
        }
    }

    /** Adds those that count to what was read wrongly. */
    void addTo(List<WrongRead> wrong) {
        for (WrongRead read : shown) {
            if (read == null) continue;
            wrong.add(new WrongRead(Reader.CPU_AFTER_WRONG_PART, read.step(), -1, read.at(), read.saw(), read.due(),
                    read.stored()));
        }
    }
}
