package sluice.vdev.media;

/** What a client may learn of a control, as struct v4l2_queryctrl has it. */
record ControlInfo(int id, int type, String label, int least, int most, int step, int standard, int flags) {}
