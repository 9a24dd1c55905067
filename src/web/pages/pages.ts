/** The door of this folder: one function per page, from a view to a whole HTML document. */
export {
  renderApplicationsPage,
  type ApplicationView,
  type ApplicationsFlash,
  type ApplicationsView,
} from './applications.page.js';
export { renderConsentPage, type ConsentView } from './consent.page.js';
export {
  renderConsoleOverview,
  renderConsoleOverviewPage,
  type ConsoleOverviewFigures,
  type ConsoleOverviewView,
} from './console-overview.page.js';
export { renderConsoleSignInPage, type ConsoleSignInView } from './console-sign-in.page.js';
export {
  renderConsoleTimeline,
  renderConsoleTimelinePage,
  type ConsoleTimelineFigures,
  type ConsoleTimelineView,
} from './console-timeline.page.js';
export { deviceName } from './device-name.js';
export { renderErrorPage, type ErrorView } from './error.page.js';
export { renderFormPostPage, type FormPostView } from './form-post.page.js';
export { renderHeldBackPage, type HeldBackView } from './held-back.page.js';
export { renderHomePage, type HomeView } from './home.page.js';
export {
  renderLogoutConfirmationPage,
  type LogoutNotice,
  type LogoutConfirmationView,
} from './logout-confirmation.page.js';
export { renderOnwardPage, type OnwardView } from './onward.page.js';
export { renderSessionsPage, type SessionView, type SessionsFlash, type SessionsView } from './sessions.page.js';
export { renderSignInPage, type SignInError, type SignInView } from './sign-in.page.js';
export {
  renderSignedOutPage,
  renderSignedOutProgress,
  type ApplicationState,
  type SignedOutApplicationView,
  type SignedOutView,
} from './signed-out.page.js';
export { renderStillSignedInPage, type StillSignedInView } from './still-signed-in.page.js';
export type * from './views.js';
