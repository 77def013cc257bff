package sluice.guest.check;

import java.util.Optional;

/** How user space uses a card's driver, and the program of ours that does. */
enum Role {
    /** A V4L2 queue, into whose buffers the card captures: the program reads them. */
    CAPTURE("stream.c", "captures into", 20) {
        @Override
        String program(Card card, Cell cell) {
            String node = "$(for d in /sys/class/video4linux/video*; do grep -q '%s' $d/name && basename $d; done | head -n 1)"
                    .formatted(card.node());
            return "stream /dev/%s %s %d %s".formatted(node, cell.memory().label(), frames(), cell.use().label());
        }

        @Override
        Optional<String> obstacle(Memory memory, Use use) {
            return use == Use.FREED
                    ? Optional.of("a driver's queue keeps what is queued: nothing of it can be freed before")
                    : Optional.empty();
        }
    },
    /** A screen of DRM, which shows the buffers: the program draws in them, and its pictures are looked at outside of the guest. */
    SCANOUT("scanout.c", "shows", 6) {
        @Override
        String program(Card card, Cell cell) {
            // The driver only logs that the device refuses a command.
            return "scanout %s %d %s; status=$?; refused=$(dmesg | grep -m 1 'response 0x12'); [ -z \"$refused\" ] || { echo \"SLUICE error the device refuses a command: $refused\"; status=1; }; (exit $status)"
                    .formatted(cell.memory().label(), frames(), cell.use().label());
        }

        @Override
        Optional<String> obstacle(Memory memory, Use use) {
            if (memory == Memory.BLOB) return Optional.of("the card's own buffers are blobs: mmap and expbuf");
            if (memory == Memory.USERPTR) return Optional.of("a screen shows no anonymous memory");
            return use == Use.REQUEUED ? Optional.of("a screen has no queue") : Optional.empty();
        }
    };

    private final String source;
    private final String verb;
    private final int frames;

    Role(String source, String verb, int frames) {
        this.source = source;
        this.verb = verb;
        this.frames = frames;
    }

    /** The program's source, in {@code guest}. */
    String source() {
        return source;
    }

    /** What it does with buffers, in a word or two. */
    String verb() {
        return verb;
    }

    /** How many frames a cell has. */
    int frames() {
        return frames;
    }

    /** The program with its arguments, for the guest's shell. */
    abstract String program(Card card, Cell cell);

    /** Why buffers cannot be used in a way, or empty. */
    abstract Optional<String> obstacle(Memory memory, Use use);
}
