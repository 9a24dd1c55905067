export const NAME = 'back-channel-receiver';
export const TAG = 'Logout: back-channel receiver';
