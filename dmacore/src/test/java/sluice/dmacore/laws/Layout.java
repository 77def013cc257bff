package sluice.dmacore.laws;

import java.util.Arrays;
import java.util.List;

import sluice.dmacore.laws.Setting.Piece;
import sluice.dmacore.laws.Setting.Shape;

/**
 * Where the bytes of a setting's buffers are. The lines that any buffer has a byte of are numbered from 0 on, so that a byte of
 * memory is a small number: 64 times its line, and its place there.
 */
final class Layout {
    private static final int LINES_OF_FILE = Setting.FILE_BYTES / Setting.LINE;

    private final Setting setting;
    /** Number of each line of each file, or -1. */
    private final int[] numbers = new int[Setting.FILES * LINES_OF_FILE];
    private int lines;
    /** For each buffer and each byte of it the byte of memory: before its first move, and after it. */
    private final int[][][] places;
    /** Line of its file for each line. */
    private int[] found = new int[64];

    Layout(Setting setting) {
        this.setting = setting;
        Arrays.fill(numbers, -1);
        places = new int[setting.buffers().size()][][];
        for (int b = 0; b < places.length; b++) {
            Shape shape = setting.buffers().get(b);
            places[b] = new int[][]{ placesOf(shape.pieces()), placesOf(shape.other()) };
        }
    }

    private int[] placesOf(List<Piece> pieces) {
        int bytes = 0;
        for (Piece piece : pieces) bytes += piece.length();
        int[] at = new int[bytes];
        int next = 0;
        for (Piece piece : pieces) {
            for (int i = 0; i < piece.length(); i++) {
                int offset = piece.offset() + i;
                at[next++] = numberOf(piece.file() * LINES_OF_FILE + offset / Setting.LINE) * Setting.LINE
                        + offset % Setting.LINE;
            }
        }
        return at;
    }

    private int numberOf(int lineOfFiles) {
        if (numbers[lineOfFiles] < 0) {
            if (lines == found.length) found = Arrays.copyOf(found, 2 * lines);
            found[lines] = lineOfFiles;
            numbers[lineOfFiles] = lines++;
        }
        return numbers[lineOfFiles];
    }

    Setting setting() {
        return setting;
    }

    int lines() {
        return lines;
    }

    int bytes() {
        return lines * Setting.LINE;
    }

    /** The byte of memory for each byte of a buffer. */
    int[] places(int buffer, boolean moved) {
        return places[buffer][moved ? 1 : 0];
    }

    int fileOf(int line) {
        return found[line] / LINES_OF_FILE;
    }

    /** Where in its file a line begins. */
    int offsetOf(int line) {
        return found[line] % LINES_OF_FILE * Setting.LINE;
    }
}
