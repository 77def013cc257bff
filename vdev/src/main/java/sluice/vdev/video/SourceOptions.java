package sluice.vdev.video;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

/** The options of a capture card that select its source. */
public final class SourceOptions {
    private static final String PATTERN = "pattern";
    private static final String NUMBERED = "numbered";
    private static final String FILE = "file";

    private SourceOptions() {}

    /** The options, to be added to the card's own. */
    public static List<DeviceOption> all() {
        return List.of(new DeviceOption(PATTERN, "", "Show a moving test pattern (default)."),
                new DeviceOption(NUMBERED, "",
                        "Fill each line with its number, the picture's, and bytes that follow from both: a program can check each byte."),
                new DeviceOption(FILE, "FILE",
                        "Show the pictures of this file in a loop: YUV4MPEG2 (.y4m), or raw grey of 768x576."));
    }

    /**
     * The selected source. A file is closed at the end of the device.
     *
     * @throws WrongOptionException more than one source is given, or the file's name is invalid
     * @throws IOException the file cannot be used
     */
    public static FrameSource open(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException {
        Path file = options.path(FILE);
        if (Stream.of(PATTERN, NUMBERED, FILE).filter(options::isGiven).count() > 1)
            throw new WrongOptionException("pattern, numbered and file=FILE: give one of them");
        if (file != null) {
            FrameFile pictures = FrameFile.open(file);
            environment.closeAtEnd(pictures);
            return pictures;
        }
        return options.isGiven(NUMBERED) ? new NumberedLines() : new TestPattern();
    }
}
