package sluice.vdev.vhostuser;

/**
 * A message and its header.
 *
 * @param number request number, repeated in a reply
 * @param needReply whether an acknowledgement is requested
 * @param bytes size of the whole message
 */
record Request(int number, boolean needReply, int bytes, FrontEndMessage message) {}
