// A screen that cannot be shown says so, and takes nothing else with it.

import { Component, type ComponentChildren } from 'preact';
import { Problem } from '../api';
import { t } from '../i18n';
import { Failure } from './load';
import { Page } from './page';

interface Props {
  /** Another path is another try. */
  path: string;
  children: ComponentChildren;
}

export class Boundary extends Component<Props, { isBroken: boolean }> {
  override state = { isBroken: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ isBroken: true });
  }

  override componentDidUpdate({ path }: Props): void {
    if (this.state.isBroken && path !== this.props.path) this.setState({ isBroken: false });
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    return (
      <Page title={t('state.broken')}>
        <Failure problem={new Problem(0, 'broken', t('state.failed'))} onRetry={() => this.setState({ isBroken: false })} />
      </Page>
    );
  }
}
